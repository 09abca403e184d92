"""Every service that calls Airflow has a login of its own, with the least role that its work needs."""

from infra.airflow_users import ROLES, SECRETS, passwords, users
from infra.secrets.generate import SECRETS as GENERATED
from tests.unit.infra.test_compose import COMPOSE


def test_only_the_login_of_a_person_administers() -> None:
    assert users("ana") == "exporter:viewer,interface:user,ana:admin"
    given = COMPOSE["x-airflow-environment"]["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"]
    assert given.replace("${AIRFLOW_USER:-airflow}", "ana") == users("ana")


def test_every_service_has_a_generated_password() -> None:
    assert SECRETS.keys() == ROLES.keys()
    assert set(SECRETS.values()) <= GENERATED.keys()
    assert passwords("ana", "pa$word", str.upper) == {
        "exporter": "AIRFLOW_EXPORTER_PASSWORD",
        "interface": "AIRFLOW_INTERFACE_PASSWORD",
        "ana": "pa$word",
    }
