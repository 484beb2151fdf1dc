"""What `python3 -m deploy.local` makes of its words."""

import pytest

from deploy.local.__main__ import _parsed


@pytest.mark.parametrize(
    "words",
    [
        ["get", "pods", "-A"],
        ["-n", "default", "get", "pods", "-o", "name"],
        ["--namespace=default", "get", "pods"],
        ["-n", "default", "patch", "configmap", "a", "-p", '[{"op": "remove"}]'],
    ],
)
def test_kubectl_gets_its_words_in_their_order(words: list[str]) -> None:
    assert _parsed(["kubectl", *words]).arguments == words
    assert _parsed(["--name", "other", "kubectl", *words]).name == "other"


def test_what_no_command_knows_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        _parsed(["status", "--loudly"])
    assert "unrecognized arguments: --loudly" in capsys.readouterr().err
