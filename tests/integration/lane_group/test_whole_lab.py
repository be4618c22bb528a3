"""With a lane controller behind the API: what ASM objects to reaches the user."""

from __future__ import annotations

from .conftest import User, make_user


def user_of(lab, tmp_path) -> User:
    variables = lab.variables
    options = ("mesh_id", "access_key_id", "access_key_secret", "endpoint", "protocol")
    user = make_user("", tmp_path)
    user.defaults.update({option: variables[f"asm_lanes_{option}"] for option in options})
    return user


def test_services_that_are_not_in_the_mesh(lab, tmp_path):
    user = user_of(lab, tmp_path)
    lane = {"name": "only", "label_selector": {"version": "v1"}, "services": ["default/missing"]}
    options = {"name": "missing", "services": ["default/missing"], "baseline": "only", "lanes": [lane]}
    removal = user.task(name="missing", state="absent")
    failed, again, gone = user.play(
        [
            {**user.task(**options, timeout=8), "ignore_errors": True},
            user.task(**options),
            removal,
        ]
    )
    assert failed["failure"]["kind"] == "invalid"
    assert "lane only: service default/missing does not exist" in failed["msg"]
    assert "Check that the services exist in the mesh" in failed["msg"]
    assert "All changes were made" in failed["msg"]
    assert failed["changed"]
    # What was asked for is stored, so the next run has nothing to change; it warns.
    assert not again["changed"]
    assert "ASM objects to lane only: service default/missing does not exist" in user.output
    assert gone["changed"]
