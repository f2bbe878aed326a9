"""What TensorFlow 1.15 computed, case by case.

VARLEN_ORACLE names another folder of cases in the same format; nothing here knows particular ones.
"""

import pytest

from oracle import kinds
from oracle.case import ROOT, Case, LeftOut, load_cases
from oracle.report import REPORT


def covered(cases: list[Case]) -> list[Case]:
    kept = []
    for case in cases:
        try:
            kinds.check_covered(case)
        except LeftOut as reason:
            REPORT.left_out[case.kind][str(reason)] += 1
        else:
            kept.append(case)
    return kept


def test_the_folder_holds_cases():
    assert load_cases(), f"no cases in {ROOT}"


@pytest.mark.parametrize("case", covered(load_cases()), ids=lambda case: case.name)
def test_equal_to_tensorflow(case: Case, record_property):
    record_property("oracle_case", case.kind)
    kinds.run(case)
