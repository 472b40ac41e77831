"""How the sources look."""

import ast

from tests.architecture import ROOT, sources, tree

EMPTY_NAMES = {"core", "common", "utils", "helpers", "manager", "base", "misc"}
FACES = ("wallet/cli", "wallet/gui", "wallet/__main__.py")


def test_only_a_face_prints() -> None:
    printing = {
        str(file)
        for file in sources("wallet")
        for node in ast.walk(tree(ROOT / file))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    }
    assert {file for file in printing if not file.startswith(FACES)} == set()


def test_a_file_is_called_after_what_it_is() -> None:
    files = sources("wallet", "reference_servers", "tests")
    assert [file for file in files if EMPTY_NAMES & {*file.parts, file.stem}] == []


def test_every_module_says_what_it_is() -> None:
    files = sources("wallet", "reference_servers")
    assert [file for file in files if not ast.get_docstring(tree(ROOT / file))] == []
