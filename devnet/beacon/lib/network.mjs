/**
 * The network of a node without peers: what the REST API calls when it publishes, subscribes or looks around.
 *
 * Publishing reaches nobody and says so (0 peers). Every message that comes in by REST goes into the node's own
 * pools before it gets here, so one node needs no network. Several nodes must be given each other's messages by
 * REST from outside.
 */
const IDENTITY = {
  peerId: "16Uiu2HAm-devnet",
  enr: "enr:-devnet",
  p2pAddresses: [],
  discoveryAddresses: [],
  metadata: {seqNumber: 0n, attnets: undefined, syncnets: undefined},
};

const publishToNobody = async () => 0;

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
  publishBeaconAggregateAndProof: publishToNobody,
  publishSyncCommitteeSignature: publishToNobody,
  publishContributionAndProof: publishToNobody,
  publishVoluntaryExit: publishToNobody,
  publishBlsToExecutionChange: publishToNobody,
  publishProposerSlashing: publishToNobody,
  publishAttesterSlashing: publishToNobody,
};
