/**
 * The names of `@lodestar/reqresp` that beacon-node imports. The devnet's node has no peers, so no request is
 * ever made or answered; the classes exist because beacon-node derives from them and compares errors with them.
 */
export const Encoding = {SSZ_SNAPPY: "ssz_snappy"};
export const ContextBytesType = {Empty: 0, ForkDigest: 1};
export const RespStatus = {SUCCESS: 0, INVALID_REQUEST: 1, SERVER_ERROR: 2, RESOURCE_UNAVAILABLE: 3, RATE_LIMITED: 139};
export const LightClientServerErrorCode = {RESOURCE_UNAVAILABLE: "RESOURCE_UNAVAILABLE"};

export const RequestErrorCode = Object.fromEntries(
  [
    "DIAL_ERROR",
    "DIAL_TIMEOUT",
    "EMPTY_RESPONSE",
    "INVALID_REQUEST",
    "INVALID_RESPONSE_SSZ",
    "REQUEST_RATE_LIMITED",
    "REQUEST_SELF_RATE_LIMITED",
    "REQUEST_TIMEOUT",
    "RESP_RATE_LIMITED",
    "RESP_TIMEOUT",
    "SERVER_ERROR",
    "SSZ_OVER_MAX_SIZE",
    "UNKNOWN_ERROR_STATUS",
  ].map((code) => [code, `REQUEST_ERROR_${code}`])
);

export const REQUEST_ERROR_CLASS_NAME = "RequestError";
export const RESPONSE_ERROR_CLASS_NAME = "ResponseError";
export class RequestError extends Error {}
export class ResponseError extends Error {}

export class ReqResp {
  constructor() {
    throw new Error("The devnet's beacon node has no peer-to-peer network");
  }
}
