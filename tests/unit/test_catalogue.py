"""Names and paths of models and scenarios."""

import pytest

from raresim import catalogue
from raresim.disease import load_model
from raresim.errors import InputError, did_you_mean


@pytest.mark.parametrize("kind", ["models", "scenarios"])
def test_every_shipped_file_is_found_by_its_stem_from_any_folder(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shipped = catalogue.shipped(kind)
    assert shipped
    for stem, path in shipped.items():
        assert catalogue.find(kind, stem) == path
        assert catalogue.find(kind, f"{stem}@1") == path
        assert catalogue.find(kind, f"{kind}/{stem}.yaml") == path


def test_a_file_here_goes_before_a_shipped_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "models" / "friedreich-ataxia.yaml"
    own.parent.mkdir()
    own.write_text("schema: mine\n")
    assert catalogue.find("models", "models/friedreich-ataxia.yaml").resolve() == own.resolve()


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(InputError, match="no model is called 'fredreich-ataxia'") as error:
        catalogue.find("models", "fredreich-ataxia")
    assert error.value.problems[0].mend == "did you mean 'friedreich-ataxia'?"


def test_another_major_version_than_the_shipped_one_is_refused():
    with pytest.raises(InputError, match=r"friedreich-ataxia@2.*version 1"):
        load_model("friedreich-ataxia@2")


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("a-b@12", ("a-b", 12)),
        ("a-b", ("a-b", None)),
        ("a@x", ("a@x", None)),
        ("../a@1", ("../a@1", None)),
    ],
)
def test_versions_are_split_from_names(name, parts):
    assert catalogue.split_version(name) == parts


def test_a_word_far_from_all_is_answered_with_the_list():
    assert did_you_mean("zzz", ["age", "sex"]) == "known: age, sex"
    assert did_you_mean("agee", ["age", "sex"]) == "did you mean 'age'?"
    assert did_you_mean("zzz", []) == ""
