import pytest

from napari_denoise.core.atomic_write import atomic_write
from napari_denoise.core.errors import FileError


def test_a_file_appears_once_it_is_whole(tmp_path):
    path = tmp_path / "a.txt"
    with atomic_write(path) as part:
        part.write_text("new")
        assert part.parent == tmp_path
        assert not path.exists()
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def write_half(path, error):
    with atomic_write(path) as part:
        part.write_text("half")
        raise error


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, MemoryError])
def test_a_failure_leaves_the_old_file_and_no_other(tmp_path, error):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(error):
        write_half(path, error)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_the_system_refuses_is_an_error_in_words(tmp_path):
    with pytest.raises(FileError, match=r"a\.txt could not be written \(No space left on device\)"):
        write_half(tmp_path / "a.txt", OSError(28, "No space left on device"))
    assert not list(tmp_path.iterdir())


def test_an_error_that_has_its_words_already_keeps_them(tmp_path):
    with pytest.raises(FileError, match=r"^A picture holds one plane$"):
        write_half(tmp_path / "a.png", FileError("A picture holds one plane"))


def test_a_body_that_writes_nothing_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(FileError, match="could not be written"), atomic_write(path):
        pass
    assert path.read_text() == "old"
