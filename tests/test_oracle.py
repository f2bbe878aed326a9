"""What TensorFlow 1.15 computed, case by case.

VARLEN_ORACLE names another folder of cases in the same format; nothing here knows particular ones.
"""

import pytest

from oracle import errors, kinds
from oracle.case import OWN_ROOT, ROOT, Case, load_cases
from oracle.reasons import REASONS, LeftOut
from oracle.report import REPORT


def covered(cases: list[Case]) -> list[Case]:
    """All cases but those that are left out. One that no runner knows fails when it runs."""
    kept = []
    for case in cases:
        try:
            kinds.check_covered(case)
        except LeftOut as reason:
            REPORT.left_out[case.kind][str(reason)] += 1
            continue
        except Exception:
            pass
        kept.append(case)
    return kept


def test_the_folder_holds_cases():
    assert load_cases(), f"no cases in {ROOT}"


def marks(case: Case) -> list[pytest.MarkDecorator]:
    return [pytest.mark.wrong_types] if case.kind == "error" else []


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=case.name, marks=marks(case)) for case in covered(load_cases())],
)
def test_equal_to_tensorflow(case: Case, record_property):
    record_property("oracle_case", case.kind)
    kinds.run(case)


@pytest.mark.wrong_types
@pytest.mark.parametrize("key", list(errors.SOUND), ids=str)
def test_what_only_tensorflow_refuses_works(key):
    errors.SOUND[key]()


def test_every_bad_call_of_our_own_cases_is_known():
    own = [case for case in load_cases(OWN_ROOT) if case.kind == "error"]
    assert {case.name for case in own if _reason(case) == REASONS["words"]} == set()


def _reason(case: Case) -> str | None:
    try:
        errors.covers(case)
    except LeftOut as reason:
        return str(reason)
    return None


def test_no_case_is_left_out_for_a_reason_that_is_not_in_the_table():
    with pytest.raises(KeyError):
        LeftOut("some other reason")
