"""The cache is bounded in number and in time."""

import time
from concurrent.futures import ThreadPoolExecutor

from api.storage.expiring_cache import ExpiringCache


def test_what_was_kept_is_found_and_nothing_else() -> None:
    cache: ExpiringCache[int, str] = ExpiringCache(10, 60)
    cache.keep({1: "one", 2: "two"})

    assert cache.find([2, 3]) == {2: "two"}


def test_what_was_used_least_lately_goes_first() -> None:
    cache: ExpiringCache[int, str] = ExpiringCache(3, 60)
    cache.keep({1: "one", 2: "two", 3: "three"})
    cache.find([1])

    cache.keep({4: "four", 5: "five"})

    assert cache.find(range(6)) == {1: "one", 4: "four", 5: "five"}


def test_it_never_holds_more_than_its_capacity() -> None:
    cache: ExpiringCache[int, int] = ExpiringCache(100, 60)

    cache.keep({number: number for number in range(1_000)})

    assert len(cache) == 100


def test_what_is_too_old_is_not_found_until_it_is_kept_again() -> None:
    cache: ExpiringCache[int, str] = ExpiringCache(10, 0.02)
    cache.keep({1: "one"})
    time.sleep(0.03)
    assert cache.find([1]) == {}

    cache.keep({1: "new"})

    assert cache.find([1]) == {1: "new"}


def test_threads_may_share_it() -> None:
    cache: ExpiringCache[int, int] = ExpiringCache(50, 60)

    def use(start: int) -> None:
        for number in range(start, start + 2_000):
            cache.keep({number % 97: number})
            cache.find(range(97))

    with ThreadPoolExecutor(4) as pool:
        for used in [pool.submit(use, start) for start in range(4)]:
            used.result()

    assert len(cache) == 50
