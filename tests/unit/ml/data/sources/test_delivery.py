"""A delivery as it passes between tasks."""

from pathlib import Path

from ml.data.sources.delivery import Delivery


def test_a_delivery_is_serialised_as_plain_values(tmp_path: Path) -> None:
    delivery = Delivery("uci", tmp_path / "uci-296.csv")

    assert Delivery.from_json(delivery.to_json()) == delivery
    assert all(isinstance(value, str) for value in delivery.to_json().values())
