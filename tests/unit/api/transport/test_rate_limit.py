"""The rate limit per client."""

import pytest

from api.transport import rate_limit
from api.transport.rate_limit import RateLimiter, client_of_address


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(rate_limit, "monotonic", clock)
    return clock


def test_a_burst_is_allowed_and_then_the_rate(clock: Clock) -> None:
    limiter = RateLimiter(rate=0.5, burst=3)

    assert [limiter.acquire("a") for _ in range(4)] == [0, 0, 0, 2]
    clock.now += 2.5
    assert [limiter.acquire("a") for _ in range(2)] == [0, 2]


def test_a_rejection_returns_the_seconds_to_wait(clock: Clock) -> None:
    limiter = RateLimiter(rate=0.1, burst=1)

    assert [limiter.acquire("a") for _ in range(2)] == [0, 10]


def test_clients_have_separate_buckets(clock: Clock) -> None:
    limiter = RateLimiter(rate=0.1, burst=1)

    assert [limiter.acquire(client) for client in ("a", "b", "a", "b")] == [0, 0, 10, 10]


def test_a_bucket_holds_no_more_than_the_burst(clock: Clock) -> None:
    limiter = RateLimiter(rate=1, burst=2)
    limiter.acquire("a")
    clock.now += 1_000

    assert [limiter.acquire("a") for _ in range(3)] == [0, 0, 1]


def test_the_most_recent_clients_stay_in_memory(clock: Clock) -> None:
    limiter = RateLimiter(rate=0.1, burst=1, max_clients=100)

    for number in range(1_000):
        limiter.acquire(str(number))
        limiter.acquire("frequent")

    assert limiter.acquire("frequent") > 0
    assert [limiter.acquire(str(number)) > 0 for number in (999, 901, 900)] == [True, True, False]


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
def test_an_ipv6_address_counts_as_its_subnet(address: str, client: str) -> None:
    assert client_of_address(address) == client
