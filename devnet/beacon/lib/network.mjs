/**
 * The network of a node without peers: what the REST API calls when it publishes, subscribes or looks around.
 *
 * Publishing reaches nobody and says so (0 peers). Every message that comes in by REST goes into the node's own
 * pools before it gets here, so one node needs no network. Several nodes must be given each other's messages by
 * REST from outside.
 *
 * An aggregate or contribution that gets here was found valid. No block tells who made one, so a line says it.
 */
const IDENTITY = {
  peerId: "16Uiu2HAm-devnet",
  enr: "enr:-devnet",
  p2pAddresses: [],
  discoveryAddresses: [],
  metadata: {seqNumber: 0n, attnets: undefined, syncnets: undefined},
};

const publishToNobody = async () => 0;

function sayAccepted(kind, fields) {
  const text = Object.entries(fields).map(([name, value]) => `${name}=${value}`);
  console.log(new Date().toISOString(), "accepted", kind, ...text);
}

export const lonelyNetwork = {
  getNetworkIdentity: async () => IDENTITY,
  dumpPeers: async () => [],
  dumpPeer: async () => undefined,

  // The node keeps every attestation for aggregation: the aggregators' subscriptions need no subnet to be joined.
  shouldAggregate: () => true,
  prepareBeaconCommitteeSubnets: async () => {},
  prepareSyncCommitteeSubnets: async () => {},
  searchUnknownBlock: () => {},

  publishBeaconBlock: publishToNobody,
  publishBeaconAttestation: publishToNobody,
  publishBeaconAggregateAndProof: async ({message}) => {
    sayAccepted("aggregate", {slot: message.aggregate.data.slot, validator: message.aggregatorIndex});
    return 0;
  },
  publishSyncCommitteeSignature: publishToNobody,
  publishContributionAndProof: async ({message}) => {
    const {slot, subcommitteeIndex: subcommittee} = message.contribution;
    sayAccepted("contribution", {slot, validator: message.aggregatorIndex, subcommittee});
    return 0;
  },
  publishVoluntaryExit: publishToNobody,
  publishBlsToExecutionChange: publishToNobody,
  publishProposerSlashing: publishToNobody,
  publishAttesterSlashing: publishToNobody,
};
