#!/usr/bin/env bash
# Generate libs/api from proto/. Run it with `make proto` after a change there; a test compares the two.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-libs/api/src}
mkdir -p "$out/ssv_api/v1"
rm -f "$out"/ssv_api/v1/*_pb2*.py*
PATH="$PWD/.venv/bin:$PATH" .venv/bin/python -m grpc_tools.protoc \
  --proto_path=ssv_api/v1=proto/ssv/v1 \
  --python_out="$out" --grpc_python_out="$out" --mypy_out="quiet:$out" --mypy_grpc_out="quiet:$out" \
  ssv_api/v1/signer.proto ssv_api/v1/registry.proto ssv_api/v1/duties.proto ssv_api/v1/gateway.proto \
  ssv_api/v1/exporter.proto
# files without a service have no use for an empty service module
rm -f "$out"/ssv_api/v1/{duties,exporter}_pb2_grpc.py*
printf '"""Code generated from proto/ssv/v1 by `make proto`; never edited."""\n' | tee "$out/ssv_api/__init__.py" > "$out/ssv_api/v1/__init__.py"
touch "$out/ssv_api/py.typed"
