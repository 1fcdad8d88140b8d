"""Reading a reply's journal, whole or as a crash has left it."""

from typing import Any

from ringfold.core.journal import DONE, FILLER, SPOKEN, read_reply

POST: dict[str, Any] = {"x": "Hello.", "s": 100, "at": 130, "n": 1, "f": FILLER}


def test_an_opened_reply_is_alive_since_it_began() -> None:
    """The entry that its event's append writes."""
    reply = read_reply("k", {"rid": "r", "at": 50, "p": {}, "tools": {}})

    assert ("r", 50, 50, False) == (reply.rid, reply.opened_ms, reply.alive_ms, reply.finished)


def test_landed_posts_and_beats_are_signs_of_life() -> None:
    """The newest of them counts."""
    entry = {"at": 50, "beat": 90, "p": {"000": POST}}

    assert 130 == read_reply("k", entry).alive_ms
    assert 200 == read_reply("k", {**entry, "beat": 200}).alive_ms


def test_a_post_is_read_with_its_kind_and_step() -> None:
    """As long as nothing else is known, all of it was heard."""
    [post] = read_reply("k", {"p": {"000": POST}}).posts

    assert ("k", 0, "Hello.", 100, 130, 1, FILLER) == (
        post.reply, post.index, post.text, post.started_ms, post.landed_ms, post.step, post.kind,
    )  # fmt: skip
    assert 6 == post.heard


def test_posts_come_in_the_order_they_were_sent() -> None:
    """Whatever order the table gives them in."""
    entry = {"p": {"002": {"x": "c"}, "000": {"x": "a"}, "001": {"x": "b"}}}

    assert "abc" == "".join(post.text for post in read_reply("k", entry).posts)


def test_a_tool_call_without_a_result_is_unknown() -> None:
    """An intent whose worker died has neither result nor success."""
    entry = {"tools": {"000": {"n": 0, "id": "t", "name": "change", "i": "{}"}}}

    [tool] = read_reply("k", entry).tools

    assert (None, False) == (tool.result, tool.ok)


def test_a_finished_tool_call() -> None:
    """Its result is the JSON text that the model may read."""
    entry = {"tools": {"000": {"n": 1, "id": "t", "name": "look", "i": "{}", "r": '{"a": 1}', "st": "success"}}}

    [tool] = read_reply("k", entry).tools

    assert ('{"a": 1}', True) == (tool.result, tool.ok)


def test_an_empty_entry_is_a_reply_of_which_nothing_is_known() -> None:
    """No field is needed."""
    reply = read_reply("k", {})

    assert ([], [], "", False, frozenset()) == (reply.posts, reply.tools, reply.state, reply.closed, reply.covers)


def test_how_a_reply_ended() -> None:
    """It covers utterances, has closed its cycle, and posts nothing more."""
    reply = read_reply("k", {"st": DONE, "last": True, "covers": ["a", "b"], "p": {"000": {"x": "Hi"}}})

    assert (True, True, {"a", "b"}) == (reply.finished, reply.closed, reply.covers)
    assert SPOKEN == reply.posts[0].kind
