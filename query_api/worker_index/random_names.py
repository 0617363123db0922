"""Names that are easy to say: an adjective, an animal, four digits."""

from __future__ import annotations

from typing import Final

ADJECTIVES: Final = (
    *("amber", "bold", "brisk", "calm", "clever", "copper", "daring", "eager"),
    *("fair", "frosty", "gentle", "golden", "happy", "hardy", "humble", "jolly"),
    *("keen", "lively", "lucky", "mellow", "merry", "nimble", "noble", "patient"),
    *("polar", "proud", "quick", "quiet", "silver", "steady", "sunny", "swift"),
)
ANIMALS: Final = (
    *("badger", "beaver", "bison", "crane", "dolphin", "eagle", "falcon", "ferret"),
    *("finch", "fox", "gecko", "heron", "ibex", "jackal", "koala", "lemur"),
    *("lynx", "marten", "moose", "newt", "ocelot", "osprey", "otter", "panda"),
    *("puffin", "raven", "robin", "seal", "stork", "tapir", "walrus", "wombat"),
)
# 32 each: five bits choose one.


def random_name(seed: bytes) -> str:
    """The name of four bytes; ten million different ones, and valid as an account name."""
    number = int.from_bytes(seed[:4])
    adjective, animal = ADJECTIVES[number % 32], ANIMALS[number // 32 % 32]
    return f"{adjective}_{animal}_{number // 1_024 % 10_000:04d}"
