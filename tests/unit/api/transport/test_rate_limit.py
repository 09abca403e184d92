import time

import pytest

from api.transport.rate_limit import RateLimit, client_of_address


def test_so_many_at_once_and_then_at_the_rate() -> None:
    limit = RateLimit(rate=50, burst=3)

    assert [limit.take("a") for _ in range(4)] == [0, 0, 0, 1]
    time.sleep(0.03)
    assert [limit.take("a") for _ in range(2)] == [0, 1]


def test_a_refusal_says_when_to_come_again() -> None:
    limit = RateLimit(rate=0.1, burst=1)

    assert limit.take("a") == 0
    assert limit.take("a") == 10


def test_clients_do_not_share_their_bucket() -> None:
    limit = RateLimit(rate=0.1, burst=1)

    assert [limit.take(client) for client in ("a", "b", "a", "b")] == [0, 0, 10, 10]


def test_waiting_for_long_saves_up_no_more_than_the_burst() -> None:
    limit = RateLimit(rate=1_000, burst=2)
    limit.take("a")
    time.sleep(0.05)

    assert [limit.take("a") for _ in range(3)] == [0, 0, 1]


def test_so_many_clients_are_remembered_and_the_most_recent_stay() -> None:
    limit = RateLimit(rate=0.1, burst=1, most_clients=100)

    for number in range(1_000):
        limit.take(str(number))
        limit.take("always there")

    assert len(limit) == 100
    assert limit.take("always there") > 0


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::9", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("not:an:address", "not:an:address"),
        ("testclient", "testclient"),
    ],
)
def test_of_an_ipv6_address_the_subnet_counts(address: str, client: str) -> None:
    assert client_of_address(address) == client
