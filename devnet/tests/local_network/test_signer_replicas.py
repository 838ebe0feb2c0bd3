"""An operator's plan with a second signer, and its settings on PostgreSQL."""

from pathlib import Path

from ssv_devnet.local_network.signer_replicas import SECOND_SIGNER, SIGNERS, on_postgres, with_second_signer
from ssv_runtime.names import SIGNER
from ssvctl.embedded.folder import OperatorFolder
from ssvctl.supervisor.plan import Plan, PlannedProcess, PlannedService

DSN = Path("/somewhere/postgres.dsn")


def test_all_callers_get_both_addresses_and_keep_their_own_settings() -> None:
    tables = on_postgres(DSN, (1, 2), {"consensus": {"graffiti": "x"}, "p2p-gateway": {"gossip_degree": 4}})
    assert tables["consensus"] == {"graffiti": "x", "signer_target": "127.0.0.1:1,127.0.0.1:2"}
    assert {tables[name]["signer_target"] for name in ("duty-scheduler", "eth1-listener")} == {
        "127.0.0.1:1,127.0.0.1:2"
    }
    assert tables["p2p-gateway"] == {"gossip_degree": 4}
    assert (tables[SIGNER]["store"], tables[SIGNER]["postgres_dsn_file"]) == ("postgres", DSN)


def test_the_second_signer_differs_in_name_ports_and_log(tmp_path: Path) -> None:
    folder = OperatorFolder.at(tmp_path)
    signer = PlannedProcess(
        SIGNER,
        ("python", "--config", "services.toml"),
        folder.log(SIGNER),
        (PlannedService(SIGNER, folder.health_port_file(SIGNER)),),
        ports=(1,),
    )
    other = PlannedProcess("consensus", ("python",), folder.log("consensus"), ())
    plan = with_second_signer(Plan((signer, other), {tmp_path: "x"}), folder, 2)
    first, second, last = plan.processes
    assert (first, last, plan.files) == (signer, other, {tmp_path: "x"})
    assert (first.name, second.name) == SIGNERS
    assert second.argv[: len(first.argv)] == first.argv
    assert second.argv[len(first.argv) :] == (
        "--grpc-port",
        "2",
        "--health-port-file",
        str(folder.health_port_file(SECOND_SIGNER)),
    )
    assert second.ports == (2,)
    assert second.log_path != first.log_path
    assert second.services[0].health_port_file != first.services[0].health_port_file
