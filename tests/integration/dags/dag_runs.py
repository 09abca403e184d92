"""DAG runs of the tests."""

import re
from typing import NamedTuple

from tests.support.airflow_home import Airflow


class Run(NamedTuple):
    """A finished DAG run with its log."""

    log: str
    dag_id: str
    state: str


def run_dags(airflow: Airflow, *arguments: str) -> list[Run]:
    printed = airflow.run("-m", "tests.support.run_dags", *arguments, timeout=900)
    found = [Run(*match) for match in re.findall(r"(.*?)^=== (\w+) (\w+)$", printed, re.M | re.S)]
    assert [run.dag_id for run in found] == [re.split("[=!@]", argument)[0] for argument in arguments], printed[-3000:]
    return found
