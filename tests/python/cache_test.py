"""What a model keeps for its next start, and where."""

import os
import stat
from pathlib import Path

import pytest

# The process ends when what every prompt begins with is saved: that is done while the model has nothing else to do.
ASK = """
import os, sys, time, vector_boot
model = vector_boot.Model(os.environ["TINY"]{options})
reply = model.chat("Hi", max_tokens=1)
end = time.monotonic() + 60
while sys.argv[1:] and not [name for name in os.listdir(sys.argv[1]) if name.endswith(".prefix")]:
    assert time.monotonic() < end
    time.sleep(0.01)
print(reply.usage.cached_tokens)
"""


def ask(run, *words, options="", **variables) -> int:
    done = run("-c", ASK.format(options=options), *words, env={key: str(value) for key, value in variables.items()})
    assert (done.status, done.errors) == (0, "")
    return int(done.output)


def kept(directory: Path) -> os.stat_result:
    (file,) = directory.glob("*.prefix")
    return file.stat()


def test_the_second_start_finds_what_the_first_one_kept_in_the_users_cache(run, tmp_path):
    directory = tmp_path / "vector_boot"
    ask(run, directory, XDG_CACHE_HOME=tmp_path)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    first = kept(directory)
    assert ask(run, directory, XDG_CACHE_HOME=tmp_path) > 0
    assert kept(directory).st_ino == first.st_ino, "it was made again"


def test_without_the_variable_it_is_below_the_home_directory(run, tmp_path):
    directory = tmp_path / ".cache" / "vector_boot"
    ask(run, directory, XDG_CACHE_HOME="", HOME=tmp_path)
    first = kept(directory)
    assert ask(run, directory, XDG_CACHE_HOME="not/absolute", HOME=tmp_path) > 0
    assert kept(directory).st_ino == first.st_ino


def test_a_directory_of_ones_own_and_none(run, tmp_path):
    users = tmp_path / "users"
    own = tmp_path / "own"
    own.mkdir()
    ask(run, own, options=f", cache={str(own)!r}", XDG_CACHE_HOME=users)
    assert kept(own).st_size > 0
    assert ask(run, options=", cache=False", XDG_CACHE_HOME=users) == 0
    assert not users.exists()


@pytest.mark.parametrize("place", ["/proc/nothing", "/dev/null"])
def test_where_nothing_can_be_kept_all_goes_on(run, place):
    assert ask(run, XDG_CACHE_HOME=place) == 0
