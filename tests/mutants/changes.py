"""The ways to make a rule wrong, one at a time: what a node of the syntax tree may be replaced by.

Refusals are removed and given another reason, conditions negated, forced or weakened, comparisons moved by one,
checks that are called left out, members taken out of tables. Texts for logs, annotations and defaults stay.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ssv_protocol.errors import Reason
from ssv_protocol.signing.verdict import DenialReason

_COMPARISONS: dict[type[ast.cmpop], tuple[ast.cmpop, ...]] = {
    ast.Eq: (ast.NotEq(),),
    ast.NotEq: (ast.Eq(),),
    ast.Lt: (ast.GtE(), ast.LtE()),
    ast.LtE: (ast.Gt(), ast.Lt()),
    ast.Gt: (ast.LtE(), ast.GtE()),
    ast.GtE: (ast.Lt(), ast.Gt()),
    ast.In: (ast.NotIn(),),
    ast.NotIn: (ast.In(),),
    ast.Is: (ast.IsNot(),),
    ast.IsNot: (ast.Is(),),
}
_REFUSALS = {"Denied"}
_APPROVALS = {"Approved", "QbftApproved", "PreConsensusVerdict", "PostConsensusVerdict"}
_WITH_DETAIL = {"Denied", "ProtocolError"}
_OTHER_EXTREME = {"max": "min", "min": "max"}
_REASONS: dict[str, list[str]] = {"DenialReason": list(DenialReason.__members__), "Reason": list(Reason.__members__)}
_DENIAL = ast.parse("Denied(DenialReason.TOO_OLD)", mode="eval").body


def parts(node: ast.AST) -> Iterator[tuple[str, int | None, ast.AST]]:
    """Return the children that may be changed, as (field, index in the field's list, child)."""
    if isinstance(node, ast.JoinedStr):
        return
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "args", "decorator_list") and not isinstance(node, ast.Call):
            continue
        children = value if isinstance(value, list) else [value]
        if isinstance(node, ast.Call) and field == "args" and called(node) in _WITH_DETAIL:
            children = children[:1]
        for index, child in enumerate(children):
            if isinstance(child, ast.AST):
                yield field, index if isinstance(value, list) else None, child


def called(node: ast.AST | None) -> str | None:
    """Return the name of the function that a call names."""
    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else None


def replacements(node: ast.AST) -> Iterator[ast.AST]:
    """Return everything that `node` may be replaced by."""
    match node:
        case ast.stmt():
            yield from _of_statement(node)
        case ast.expr():
            yield from _of_condition(node)
            yield from _of_value(node)
        case ast.comprehension(target=target, iter=iterable, ifs=ifs, is_async=is_async) if ifs:
            yield ast.comprehension(target, iterable, [], is_async)


def _of_statement(node: ast.stmt) -> Iterator[ast.stmt]:
    match node:
        case ast.Raise() | ast.Expr(value=ast.Call()):
            yield ast.Pass()
        case ast.Return(value=ast.Call() as value):
            if called(value) in _REFUSALS:
                yield ast.Pass()
            else:
                yield ast.Return(_DENIAL if called(value) in _APPROVALS else ast.Constant(None))
        case ast.If(body=body, orelse=orelse):
            yield ast.If(ast.Constant(True), body, orelse)
            if not _is_refusal(body):
                yield ast.If(ast.Constant(False), body, orelse)


def _is_refusal(body: list[ast.stmt]) -> bool:
    """Tell whether the body is nothing but a refusal, which is removed by itself."""
    match body:
        case [ast.Raise()]:
            return True
        case [ast.Return(value=value)]:
            return called(value) in _REFUSALS
    return False


def _of_condition(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            for place, op in enumerate(ops):
                for other in _COMPARISONS[type(op)]:
                    yield ast.Compare(left, [*ops[:place], other, *ops[place + 1 :]], comparators)
        case ast.BoolOp(op=op, values=values):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
            for place in range(len(values)):
                rest = [*values[:place], *values[place + 1 :]]
                yield rest[0] if len(rest) == 1 else ast.BoolOp(op, rest)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.IfExp(body=body, orelse=orelse):
            yield from (body, orelse)


def _of_value(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as op, right=right):
            yield ast.BinOp(left, ast.Sub() if isinstance(op, ast.Add) else ast.Add(), right)
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value)):
            yield ast.Constant(value + 1)
        case ast.Attribute(value=ast.Name(id=enum) as name, attr=attr, ctx=ctx) if attr in _REASONS.get(enum, ()):
            members = _REASONS[enum]
            yield ast.Attribute(name, members[(members.index(attr) + 1) % len(members)], ctx)
        case ast.Call(func=ast.Name(id=extreme), args=args, keywords=keywords) if extreme in _OTHER_EXTREME:
            yield ast.Call(ast.Name(_OTHER_EXTREME[extreme], ast.Load()), args, keywords)
        case ast.Set(elts=members) if len(members) > 1:
            for place in range(len(members)):
                yield ast.Set([*members[:place], *members[place + 1 :]])
