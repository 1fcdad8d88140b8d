"""What a verification leaves behind."""

from __future__ import annotations

from ringfold.adapters.directory import conversation_key
from ringfold.core.lines import conversation_id_of
from ringfold.core.session import call_pk
from ringfold_admin.stores.table import Table
from ringfold_admin.stores.trials import PREFIX, Trials
from tests.aws import Aws


def test_the_conversation_of_a_trial_is_taken_away(aws: Aws) -> None:
    """And only that one; the call's own items expire by themselves."""
    table = Table(aws.client("dynamodb", parameter_validation=False), aws.table)
    call_sid = f"{PREFIX}1"
    mine = conversation_key("org_1", conversation_id_of("AC1", call_sid))
    other = conversation_key("org_1", conversation_id_of("AC1", "CA2"))
    for pk, sk in (mine, other, (call_pk(call_sid), "SESSION")):
        table.put({"pk": pk, "sk": sk})
    trials = Trials(table)

    trials.forget("org_1", "AC1", call_sid)
    trials.forget("org_1", "AC1", call_sid)

    assert table.get(mine) is None
    assert table.get(other)
    assert trials.session(call_sid)
    assert trials.session("CA9") is None
