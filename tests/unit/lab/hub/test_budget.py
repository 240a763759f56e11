from ccci_host.lab.hub.budget import WINDOW, Budget, BudgetState


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def make() -> tuple[Budget, Clock]:
    clock = Clock()
    return Budget(BudgetState(account_limit=3, anonymous_limit=2), now=clock), clock


def test_accounts_and_addresses_have_buckets_of_their_own() -> None:
    budget, _ = make()
    budget.spend("account:ccci")
    budget.spend("address:10.0.0.1")
    assert [
        budget.remaining(payer) for payer in ("account:ccci", "address:10.0.0.1", "address:10.0.0.2")
    ] == [
        2,
        1,
        2,
    ]


def test_a_request_counts_for_one_window() -> None:
    budget, clock = make()
    budget.spend("account:ccci")
    clock.now += WINDOW - 1
    assert budget.remaining("account:ccci") == 2
    clock.now += 1
    assert budget.remaining("account:ccci") == 3


def test_the_headers_are_docker_hubs() -> None:
    budget, _ = make()
    budget.spend("account:ccci")
    assert budget.headers("account:ccci", "an-id") == {
        "ratelimit-limit": "3;w=21600",
        "ratelimit-remaining": "2;w=21600",
        "docker-ratelimit-source": "an-id",
    }


def test_headers_can_be_absent_empty_and_negative() -> None:
    budget, _ = make()
    budget.state.header_mode = "absent"
    assert budget.headers("account:ccci", "an-id") == {}
    budget.state.header_mode = "empty"
    assert budget.headers("account:ccci", "an-id")["ratelimit-remaining"] == ";w=21600"
    budget.state.header_mode = "negative"
    assert budget.headers("account:ccci", "an-id")["ratelimit-remaining"] == "-472;w=21600"


def test_what_remains_can_be_set_also_below_zero() -> None:
    budget, _ = make()
    budget.set_remaining("account:ccci", 1)
    assert budget.remaining("account:ccci") == 1
    budget.set_remaining("account:ccci", -2)
    assert budget.remaining("account:ccci") == -2


def test_a_limit_of_ones_own_outlives_nothing_but_a_refill() -> None:
    budget, _ = make()
    budget.set_limit("account:ccci", 50)
    assert budget.limit("account:ccci") == 50
    assert budget.limit("account:stranger") == 3
    budget.refill()
    assert budget.limit("account:ccci") == 200


def test_a_refill_brings_back_the_usual_limits_and_headers() -> None:
    budget = Budget(BudgetState(header_mode="absent", account_limit=3))
    budget.refill()
    assert budget.headers("account:ccci", "an-id")["ratelimit-remaining"] == "200;w=21600"
