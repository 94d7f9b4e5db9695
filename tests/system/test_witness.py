"""The witness of a running house, from outside: what it shows, who may speak to it, and that it remembers."""

import os
import signal

import httpx
import pytest

from deploy.instance import Instance
from shared.refusal import Refusal
from shared.tlog.policy import Policy, QuorumNotMet
from shared.tlog.witness import monitoring_path
from tests.system.conftest import PATIENCE_S, wait_until

pytestmark = pytest.mark.system


def asking(house: Instance) -> Policy:
    """The policy of the house, but with its own witness as the quorum."""
    text = house.policy.read_text().replace("quorum none", "quorum same-operator")
    return Policy.parse(text.encode())


def shown(house: Instance, policy: Policy) -> tuple[str, str]:
    return (
        f"{house.base_url}/log/witnessed",
        f"{house.base_url}/witness/{monitoring_path(policy.logs[0].verifier.name)}",
    )


def fetched(url: str) -> httpx.Response:
    return httpx.get(url, trust_env=False, timeout=PATIENCE_S)


def size_at(url: str, policy: Policy) -> int:
    """The size of the checkpoint there, if the policy accepts it; -1 otherwise."""
    answer = fetched(url)
    try:
        return policy.check(answer.content).checkpoint.size if answer.status_code == 200 else -1
    except Refusal:
        return -1


def test_the_log_is_witnessed_and_the_witness_shows_the_same(house: Instance) -> None:
    policy = asking(house)
    by_log, by_witness = shown(house, policy)

    wait_until(lambda: size_at(by_log, policy) > 0)

    served = size_at(by_log, policy)  # looked at first: the log may grow, and the witness knows it before
    assert size_at(by_witness, policy) >= served > 0
    assert fetched(by_witness.replace("checkpoint", "evidence")).json()["evidence"] == []


def test_the_houses_own_policy_asks_for_nobody_and_names_who_signed(house: Instance) -> None:
    policy = Policy.parse(house.policy.read_bytes())
    wait_until(lambda: size_at(shown(house, policy)[0], policy) > 0)

    checked = policy.check(fetched(shown(house, policy)[0]).content)

    assert (set(checked.witnesses), checked.known_witnesses) == ({"same-operator"}, 1)
    told = fetched(f"{house.base_url}/v1/logs").json()["logs"][0]["policy"]
    assert told == house.policy.read_text()


def test_nobody_submits_to_it_through_the_gateway(house: Instance) -> None:
    for path in (
        "/add-checkpoint",
        "/witness/add-checkpoint",
        "/witness//add-checkpoint",
        "/witness/../add-checkpoint",
    ):
        assert (
            httpx.post(f"{house.base_url}{path}", content=b"old 0\n\n", trust_env=False, timeout=PATIENCE_S).status_code
            == 404
        )
    assert (
        httpx.post(shown(house, asking(house))[1], content=b"", trust_env=False, timeout=PATIENCE_S).status_code == 404
    )


def test_a_killed_witness_comes_back_and_remembers(house: Instance) -> None:
    policy = asking(house)
    _, by_witness = shown(house, policy)
    wait_until(lambda: size_at(by_witness, policy) > 0)
    size, before = size_at(by_witness, policy), house.status["processes"]["witness"]

    os.kill(before["pid"], signal.SIGKILL)
    wait_until(lambda: house.status["processes"]["witness"]["pid"] not in (None, before["pid"]))
    wait_until(lambda: size_at(by_witness, policy) >= size)

    assert house.status["processes"]["witness"]["restarts"] == before["restarts"] + 1


def test_a_checkpoint_without_its_cosignature_does_not_meet_a_quorum(house: Instance) -> None:
    policy = asking(house)
    wait_until(lambda: size_at(shown(house, policy)[0], policy) > 0)
    note = fetched(shown(house, policy)[0]).content
    without = note[: note.rindex("— ".encode())]

    with pytest.raises(QuorumNotMet):
        policy.check(without)
