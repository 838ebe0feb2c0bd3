"""The mutation check itself: what it changes, and that a change is in force."""

import ast
import os
from pathlib import Path

from ssv_protocol.signing import window
from ssv_protocol.types.ids import Slot
from tests.mutants.changes import parts, replacements
from tests.mutants.mutant import Mutant, mutants

ROOT = Path(__file__).resolve().parents[2]


def changes(source: str) -> set[str]:
    """Every replacement of any node of one statement or expression."""
    return {ast.unparse(other) for node in everything(ast.parse(source)) for other in replacements(node)}


def everything(node: ast.AST) -> list[ast.AST]:
    return [node, *(inner for _, _, child in parts(node) for inner in everything(child))]


def test_a_comparison_is_negated_and_moved_by_one() -> None:
    assert {"a >= b", "a <= b"} <= changes("x = a < b")


def test_each_condition_of_several_is_dropped() -> None:
    assert {"a and b", "a and c", "b and c", "a or b or c"} <= changes("x = a and b and c")


def test_a_refusal_is_removed_and_gets_another_reason_but_no_other_detail() -> None:
    made = changes("return Denied(DenialReason.MALFORMED, 7)")
    assert made == {"pass", "DenialReason.WRONG_DOMAIN"}
    assert changes("raise ProtocolError(Reason.VALUE_ROOT)") > {"pass"}


def test_a_check_that_is_called_is_left_out() -> None:
    assert "pass" in changes("check_round(message, round_)")


def test_a_table_loses_each_member() -> None:
    assert {"{B, C}", "{A, C}", "{A, B}"} <= changes("TABLE = frozenset({A, B, C})")


def oldest_in_a_child(mutant: Mutant) -> int:
    """Return what `window.oldest` makes of slot 100 with the mutant in force."""
    process_id = os.fork()
    if process_id == 0:
        mutant.apply()
        os._exit(window.oldest(Slot(100)))
    return os.waitstatus_to_exitcode(os.waitpid(process_id, 0)[1])


def test_a_changed_function_and_a_changed_table_are_in_force_in_the_child_only() -> None:
    made = {item.change: item for item in mutants(window, ROOT)}
    assert oldest_in_a_child(made["clock - TTL_SLOTS → clock + TTL_SLOTS"]) == 100 + window.TTL_SLOTS
    assert oldest_in_a_child(made["34 → 35"]) == 100 - 35
    assert window.oldest(Slot(100)) == 100 - 34
