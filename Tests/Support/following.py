"""A follower of a running host: its events as they arrive, and their acknowledgements."""

from Support.session import PATIENCE


class Follower:
    """`events/follow` on a `session.Host`; `params` may leave out the integration."""

    def __init__(self, host, command, arguments, **params):
        self.host = host
        self.id = host.request("events/follow", {"command": command, "arguments": arguments, **params})

    # Reading

    @property
    def events(self):
        """The params of each events/event so far."""
        return self.host.notifications("events/event", self.id)

    @property
    def heartbeats(self):
        return self.host.notifications("events/heartbeat", self.id)

    @property
    def failures(self):
        return self.host.notifications("events/failed", self.id)

    @property
    def keys(self):
        return [event["event"]["fields"].get("Unique Event Key") for event in self.events]

    def wait(self, condition, what):
        with self.host.changed:
            met = self.host.changed.wait_for(lambda: condition() or self.host.ended, PATIENCE)
        assert met and condition(), f"{what}; stderr: {self.host.errors}"

    def wait_for_events(self, count):
        self.wait(lambda: len(self.events) >= count, f"{count} events")
        return self.events

    def wait_for_polls(self, count):
        """Waits for so many polls since now."""
        done = len(self.heartbeats)
        self.wait(lambda: len(self.heartbeats) >= done + count, f"{count} polls")

    def wait_for_failures(self, count):
        self.wait(lambda: len(self.failures) >= count, f"{count} failures")
        return self.failures

    # Acting

    def ack(self, seq):
        return self.host.call("events/ack", {"id": self.id, "seq": seq})

    def ack_fails(self, seq):
        answer, _ = self.host.wait(self.host.request("events/ack", {"id": self.id, "seq": seq}))
        assert "error" in answer, answer
        return answer["error"]

    def stop(self):
        """Cancels it; returns its result."""
        assert self.host.call("cancel", {"id": self.id}) == {"cancelled": True}
        return self.result

    @property
    def answer(self):
        return self.host.wait(self.id)[0]

    @property
    def result(self):
        answer = self.answer
        assert "result" in answer, answer
        return answer["result"]

    @property
    def error(self):
        answer = self.answer
        assert "error" in answer, answer
        return answer["error"]
