"""A delivery as it passes between tasks."""

from pathlib import Path

from ml.data.sources.delivery import Delivery


def test_a_staged_file_is_serialised_by_source_name_and_id() -> None:
    delivery = Delivery("uci", Path("uci-296.csv"), 7)

    assert Delivery.from_json(delivery.to_json()) == delivery
    assert delivery.to_json() == {"source": "uci", "name": "uci-296.csv", "staging_id": 7}


def test_no_path_of_one_machine_passes_to_another() -> None:
    assert Delivery("uci", Path("/home/x/uci-296.csv"), 7).to_json()["name"] == "uci-296.csv"
