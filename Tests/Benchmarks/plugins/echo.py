"""A plugin with one command that returns its argument."""

from typing import Any

from sallyport.plugin import Call, Plugin

plugin = Plugin("bench_python", title="Bench", description="Returns its argument.")


@plugin.command(effect="read")
def echo(call: Call[Any], text: str) -> dict[str, str]:
    """Returns the text.

    Args:
        text: The text.
    """
    return {"text": text}


if __name__ == "__main__":
    plugin.run()
