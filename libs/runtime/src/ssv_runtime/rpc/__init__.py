"""gRPC between services: always mTLS, permissions by certificate, typed errors, traces."""

from ssv_runtime.rpc.client import channel
from ssv_runtime.rpc.failure import RpcFailure, RpcRefusal
from ssv_runtime.rpc.permissions import Permissions
from ssv_runtime.rpc.server import caller_of, secure_server

__all__ = ["Permissions", "RpcFailure", "RpcRefusal", "caller_of", "channel", "secure_server"]
