"""The OpenAPI document of the API, made from the types that read the requests.

    python -m ssv_signer.remote.openapi > services/signer/openapi.json

Source: OpenAPI 3.1; the paths are those of the ethereum remote-signing API and of Web3Signer. The batch form is ours.
"""

from __future__ import annotations

import sys
from functools import cache
from http import HTTPStatus
from typing import Any

import msgspec

from ssv_signer.remote.errors import RemoteReason
from ssv_signer.remote.fork_info import ForkInfo
from ssv_signer.remote.keys import ReloadState
from ssv_signer.remote.rules.kind import Kind
from ssv_signer.remote.rules.table import KINDS
from ssv_signer.remote.ssz_schema import Components, Schema, container_schema, hex_schema, reference

MAX_BODY_BYTES = 4 * 1024 * 1024
MAX_BATCH_ITEMS = 512
_TEXT: Schema = {"type": "string"}
_ERRORS: dict[HTTPStatus, str] = {
    HTTPStatus.BAD_REQUEST: "The request is not what its schema says; `field` names where.",
    HTTPStatus.FORBIDDEN: "The caller's certificate, or on loopback its Host header, names nobody who may call.",
    HTTPStatus.NOT_FOUND: "No plain key with this public key is loaded.",
    HTTPStatus.PRECONDITION_FAILED: "Nothing was signed: slashable, or against policy; `reason` says which.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: f"The body has more than {MAX_BODY_BYTES} bytes.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body is not application/json.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The record could not be written, so nothing was signed.",
}
_OF_BODY = (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)


@cache
def encoded() -> bytes:
    """Return the document as JSON."""
    return msgspec.json.format(msgspec.json.encode(document()), indent=2) + b"\n"


def document() -> dict[str, Any]:
    """Return the document."""
    components: Components = {}
    signing = _signing(components)
    components["SigningRequest"] = signing
    components["SigningResponse"] = _object({"signature": hex_schema(96)})
    components["Error"] = _error()
    components["BatchVerdict"] = _batch_verdict()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Remote signing API of the signer",
            "version": "1.0.0",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": "Signs with plain keys: those that no committee of this signer holds. The slashing record "
            "applies; leases and evidence of a committee's decision can't.",
        },
        "paths": _paths(),
        "components": {"schemas": components},
    }


def _paths() -> dict[str, Any]:
    identifier = {
        "name": "identifier",
        "in": "path",
        "required": True,
        "description": "BLS public key, hexadecimal, with or without 0x",
        "schema": {"type": "string", "pattern": "^(0x)?[0-9a-fA-F]{96}$"},
    }
    signed = {
        "description": "Signed; as text if that is all that Accept names",
        "content": {"application/json": {"schema": reference("SigningResponse")}, "text/plain": {"schema": _TEXT}},
    }
    sign_errors = (*_OF_BODY, HTTPStatus.NOT_FOUND, HTTPStatus.PRECONDITION_FAILED, HTTPStatus.SERVICE_UNAVAILABLE)
    return {
        "/api/v1/eth2/sign/{identifier}": {
            "post": {
                "operationId": "SIGN",
                "summary": "Sign one object",
                "parameters": [identifier],
                "requestBody": _content(reference("SigningRequest")),
                "responses": {"200": signed, **_responses(*sign_errors)},
            }
        },
        "/api/v1/eth2/sign": {
            "post": {
                "operationId": "SIGN_MANY",
                "summary": "Sign many objects, each with its own verdict",
                "description": "Items are judged in their order, each against what the ones before it left.",
                "requestBody": _content(_batch()),
                "responses": {
                    "200": _answer("A verdict for each item", {"type": "array", "items": reference("BatchVerdict")}),
                    **_responses(*_OF_BODY),
                },
            }
        },
        "/api/v1/eth2/publicKeys": {
            "get": _get("PUBLIC_KEY_LIST", "The keys that can sign", {"type": "array", "items": hex_schema(48)})
        },
        "/upcheck": {
            "get": {
                "operationId": "UPCHECK",
                "summary": "Whether the server answers",
                "responses": {
                    "200": {"description": "It does", "content": {"text/plain": {"schema": {"const": "OK"}}}},
                    **_responses(),
                },
            }
        },
        "/healthcheck": {"get": _healthcheck()},
        "/reload": {
            "post": _reload(),
            "get": _get("RELOAD_STATUS", "How reading the keystores went", _reload_status()),
        },
        "/openapi.json": {"get": _get("OPENAPI", "This document", {"type": "object"})},
    }


def _signing(components: Components) -> Schema:
    mapping = {}
    for kind in KINDS.values():
        name = "".join(part.title() for part in kind.type.split("_")) + "Signing"
        components[name] = _of_kind(kind, components)
        mapping[kind.type] = reference(name)["$ref"]
    refs = [{"$ref": ref} for ref in mapping.values()]
    return {"oneOf": refs, "discriminator": {"propertyName": "type", "mapping": mapping}}


def _of_kind(kind: Kind, components: Components) -> Schema:
    properties: dict[str, Schema] = {"type": {"const": kind.type}}
    if kind.needs_fork_info:
        properties["fork_info"] = container_schema(ForkInfo, components)
    properties[kind.field] = kind.schema(components)
    optional = {"signingRoot": hex_schema(32), "signing_root": hex_schema(32)}
    return {"type": "object", "required": list(properties), "properties": properties | optional}


def _batch() -> Schema:
    named = {"type": "object", "required": ["identifier"], "properties": {"identifier": _TEXT}}
    item = {"anyOf": [{"allOf": [named, reference("SigningRequest")]}, {"type": "object"}]}
    described = {"description": "A malformed item has a verdict of its own", **item}
    return {"type": "array", "minItems": 1, "maxItems": MAX_BATCH_ITEMS, "items": described}


def _batch_verdict() -> Schema:
    statuses = [200, 400, 404, 412, 503]
    signed = _object({"status": {"const": 200}, "signature": hex_schema(96)})
    refused = {"allOf": [_object({"status": {"enum": statuses[1:]}}), reference("Error")]}
    return {"oneOf": [signed, refused]}


def _error() -> Schema:
    reasons = ", ".join(RemoteReason)
    described = {"type": "string", "description": f"For programs: {reasons}, or a reason of the slashing rules"}
    schema = _object({"code": {"type": "integer"}, "reason": described, "message": _TEXT})
    schema["properties"]["field"] = _TEXT
    return schema


def _healthcheck() -> dict[str, Any]:
    check = _object({"id": _TEXT, "status": {"enum": ["UP", "DOWN"]}})
    schema = _object(
        {
            "status": {"enum": ["UP", "DOWN"]},
            "outcome": {"enum": ["UP", "DOWN"]},
            "checks": {"type": "array", "items": check},
        }
    )
    operation = _get("HEALTHCHECK", "Whether requests can be signed", schema)
    operation["responses"]["503"] = _answer("Something is missing", schema)
    return operation


def _reload() -> dict[str, Any]:
    schema = _object({"status": {"enum": ["accepted", "error"]}, "message": _TEXT})
    return {
        "operationId": "RELOAD",
        "summary": "Read the folder of keystores again, in the background",
        "responses": {
            "202": _answer("It has begun", schema),
            "409": _answer("It has begun already", schema),
            **_responses(),
        },
    }


def _reload_status() -> Schema:
    schema = _object({"status": {"enum": [state.value for state in ReloadState]}})
    schema["properties"] |= {"lastOperationTime": {"type": "string", "format": "date-time"}, "lastError": _TEXT}
    return schema


def _get(operation: str, summary: str, schema: Schema) -> dict[str, Any]:
    responses = {"200": _answer(summary, schema), **_responses()}
    return {"operationId": operation, "summary": summary, "responses": responses}


def _responses(*statuses: HTTPStatus) -> dict[str, Any]:
    return {
        str(int(status)): _answer(_ERRORS[status], reference("Error"))
        for status in sorted({*statuses, HTTPStatus.FORBIDDEN})
    }


def _answer(description: str, schema: Schema) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _content(schema: Schema) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _object(properties: dict[str, Schema]) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


if __name__ == "__main__":
    sys.stdout.write(encoded().decode())
