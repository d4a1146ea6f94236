"""`dlr superres try`: pictures and numbers of single images, nobody's files replaced, and every mistake by name."""

import re
import struct

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from launching import dlr_
from PIL import Image

from dlr.study import tried
from dlr.superres import DegradationSettings, Enhancer, degraded, draw
from dlr.superres.networks import Form, make_network
from dlr.superres.settings import SuperresTraining


@pytest.fixture
def still(tmp_path, monkeypatch):
    """A smooth picture of 64 x 48 pixels with a bright spot, and the shell beside it."""
    monkeypatch.chdir(tmp_path)
    return saved(tmp_path / "us" / "p1.png")


@pytest.fixture(autouse=True)
def short_fit(monkeypatch):
    monkeypatch.setattr(tried, "FITTING", {"crops": 4, "training": SuperresTraining(epochs=1, batch_size=4)})


def grey(seed=0, height=48, width=64):
    y, x = np.mgrid[:height, :width]
    random = np.random.default_rng(seed)
    spot = 120 * np.exp(-((y - height / 2) ** 2 + (x - width / 2) ** 2) / 40)
    return np.clip(60 + 40 * np.sin(x / 5) * np.cos(y / 7) + spot + random.normal(0, 5, (height, width)), 0, 255)


def saved(path, array=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((grey() if array is None else array).astype(np.uint8)).save(path)
    return path


def words(path):
    with Image.open(path) as picture:
        picture.load()
        return picture.info, picture.size


def psnr(a, b):
    return -10 * np.log10(np.mean((a.astype(float) - b) ** 2))


def test_each_image_gets_a_picture_and_a_line_of_numbers(still):
    other = saved(still.with_name("p2.png"), grey(1))
    said = dlr_("superres", "try", still, other, "--method", "bicubic", "--out", "looks")
    assert said.exit_code == 0, said.stderr
    lines = said.stdout.splitlines()
    assert lines[0] == "Bicubic interpolation, which adds nothing."
    for line, path in zip(lines[1:3], (still, other), strict=True):
        picture = f"looks/{path.stem}_bicubic_x4.png"
        assert line.startswith(f"{path}: 64 x 48 uint8; against itself: bicubic ") and line.endswith(picture)
        info, (width, height) = words(picture)
        assert info["Software"] == "dlr superres try" and width > height > 500
    assert "differs from bicubic by 0.0 of 255" in lines[1]


@pytest.mark.parametrize("scale", [2, 4])
def test_the_number_is_the_psnr_of_the_image_made_coarser_and_enlarged_again(still, scale):
    said = dlr_("superres", "try", still, "--method", "bicubic", "--scale", scale)
    truth = np.asarray(Image.open(still)).astype(np.float32) / 255
    settings, generator = DegradationSettings(), tried.rng(tried.SEED, "try", "p1.png")
    low = degraded(truth, scale, draw(generator, settings), settings, generator).low
    enlarged = Image.fromarray(low).resize((64, 48), Image.Resampling.BICUBIC)  # Pillow's, in float32
    plain, restored = (float(each) for each in re.findall(r"([\d.]+) dB", said.stdout))
    assert plain == restored == pytest.approx(psnr(np.clip(np.asarray(enlarged), 0, 1), truth), abs=0.006)


def test_without_a_word_a_small_network_is_fitted_on_the_images_and_that_is_said(still):
    said = dlr_("superres", "try", still)
    assert said.exit_code == 0, said.stderr
    assert "Fitting a small network on these images" in said.stderr
    assert "fitted for" in said.stdout and "these images themselves" in said.stdout
    assert "expect less on other images" in said.stdout
    assert "dlr run --set superres.method=psnr" in said.stdout.splitlines()[-1]
    assert words("superres_try/p1_psnr_x4.png")


def generator(folder, brighter):
    """A saved generator that makes bicubic brighter by so many grey levels of 255."""
    network = make_network(Form("small", 2, channels=4, blocks=1))
    torch.nn.init.constant_(network.detail.bias, brighter / 255)
    Enhancer(network, 2, origin={"source": "a network of the test"}).save(folder)
    return folder


def test_weights_are_used_as_given_and_their_source_is_said(still, tmp_path):
    said = dlr_("superres", "try", still, "--weights", generator(tmp_path / "mine", 10), "--scale", 2)
    assert said.exit_code == 0, said.stderr
    assert said.stdout.startswith("a generator that another study of dlr fitted.")
    assert "differs from bicubic by 10.0 of 255" in said.stdout
    assert words("superres_try/p1_mine_x2.png")


def test_an_earlier_picture_is_replaced_by_equal_bytes_and_anothers_file_stays(still):
    for _ in range(2):
        assert dlr_("superres", "try", still, "--method", "bicubic").exit_code == 0
    picture = still.parents[1] / "superres_try" / "p1_bicubic_x4.png"
    before = picture.read_bytes()
    assert dlr_("superres", "try", still, "--method", "bicubic").exit_code == 0
    assert picture.read_bytes() == before
    saved(picture)
    mine = picture.read_bytes()
    said = dlr_("superres", "try", still, "--method", "bicubic")
    assert said.exit_code == 2 and "no earlier picture of `dlr superres try`" in said.stderr
    assert picture.read_bytes() == mine


def test_pictures_of_images_of_one_name_do_not_collide(still):
    again = saved(still.parents[1] / "visit2" / "P1.png", grey(2))
    said = dlr_("superres", "try", still, again, still, "--method", "bicubic")
    assert said.exit_code == 0, said.stderr
    assert len([line for line in said.stdout.splitlines() if "against itself" in line]) == 2  # a file named twice: once
    assert sorted(path.name for path in (still.parents[1] / "superres_try").iterdir()) == [
        "P1_bicubic_x4_2.png",
        "p1_bicubic_x4.png",
    ]


def test_a_picture_never_takes_an_inputs_place(still):
    saved(still.with_name("p1_bicubic_x4.png"), grey(3))
    before = still.with_name("p1_bicubic_x4.png").read_bytes()
    images = (still, still.with_name("p1_bicubic_x4.png"))
    said = dlr_("superres", "try", *images, "--method", "bicubic", "--out", still.parent)
    assert said.exit_code == 2 and "this file is read by this command" in said.stderr
    assert still.with_name("p1_bicubic_x4.png").read_bytes() == before


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["us/p11.png"], "did you mean p1.png?"),
        (["us"], "this is a folder"),
        (["us/p1.png", "--method", "bicubc"], "did you mean bicubic?"),
        (["us/p1.png", "--method", "gan"], "a GAN is trained in a study"),
        (["us/p1.png", "--scale", "3"], "images are enlarged by 2 or 4"),
        (["us/p1.png", "--weights", "real_esrgen"], "did you mean real_esrgan?"),
        (["us/p1.png", "--weights", "us/p1.pth"], "did you mean"),
        (["us/p1.png", "--weights", "us/p1.png"], "cannot be read as weights"),
        (["us/p1.png", "--weights", "real_esrgan", "--method", "psnr"], "give --method or --weights"),
        (["us/p1.png", "--out", "us/p1.png"], "cannot be written"),
    ],
)
def test_a_mistake_is_answered_by_name_and_exit_status_2(still, arguments, said):
    done = dlr_("superres", "try", *arguments)
    assert done.exit_code == 2, done.stdout
    assert said in done.stderr
    assert sorted(path.name for path in still.parents[1].rglob("*.*")) == ["p1.png"]


def test_every_unreadable_image_is_said_at_once_and_nothing_is_fitted(still, tmp_path):
    volume, tiny, text = tmp_path / "volume.nii.gz", saved(tmp_path / "tiny.png", grey()[:7]), tmp_path / "text.png"
    sitk.WriteImage(sitk.GetImageFromArray(np.stack([grey()] * 5).astype(np.float32)), str(volume))
    text.write_text("no picture")
    said = dlr_("superres", "try", still, volume, tiny, text)
    assert said.exit_code == 2
    for word in ("a volume of 5 slices", "64 x 7 pixels are too few", "not a readable PNG"):
        assert word in said.stderr
    assert "Fitting" not in said.stderr


def test_sixteen_bits_floats_colours_and_an_image_too_small_to_be_held_against_itself(still, tmp_path):
    deep = tmp_path / "deep.png"
    Image.fromarray((grey() * 100).astype(np.uint16)).save(deep)
    real = tmp_path / "real.nii.gz"
    sitk.WriteImage(sitk.GetImageFromArray((grey() / 7 - 3).astype(np.float32)[None]), str(real))
    screen = tmp_path / "screen.png"
    Image.fromarray(np.stack([grey().astype(np.uint8)] * 3, axis=-1)).save(screen)
    small = saved(tmp_path / "small.png", grey()[:20, :20])
    said = dlr_("superres", "try", deep, real, screen, small, "--method", "bicubic")
    assert said.exit_code == 0, said.stderr
    deep_line, real_line, screen_line, small_line = said.stdout.splitlines()[1:5]
    assert "64 x 48 uint16; against itself" in deep_line
    assert "64 x 48 float32; against itself" in real_line
    assert "64 x 48 uint8; against itself" in screen_line
    assert "20 x 20 uint8; too small to be held against itself" in small_line
    assert "nan" not in said.stdout


def test_the_picture_of_a_dicom_holds_nothing_of_its_header(still, tmp_path):
    pydicom = pytest.importorskip("pydicom")
    from pydicom.dataset import FileDataset, FileMetaDataset

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = meta.MediaStorageSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.6.1"
    meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    file = FileDataset(str(tmp_path / "scan.dcm"), {}, file_meta=meta, preamble=b"\0" * 128)
    file.PatientName, file.PatientID = "Nobody^Hidden", "ID-777"
    file.Rows, file.Columns, file.SamplesPerPixel, file.PhotometricInterpretation = 48, 64, 1, "MONOCHROME2"
    file.BitsAllocated = file.BitsStored = 8
    file.HighBit, file.PixelRepresentation = 7, 0
    file.PixelData = grey().astype(np.uint8).tobytes()
    file.save_as(tmp_path / "scan.dcm", enforce_file_format=True)
    said = dlr_("superres", "try", tmp_path / "scan.dcm", "--method", "bicubic")
    assert said.exit_code == 0, said.stderr
    assert "Hidden" not in said.stdout + said.stderr and "777" not in said.stdout
    content = (tmp_path / "superres_try" / "scan_bicubic_x4.png").read_bytes()
    chunks, place = [], 8
    while place < len(content):
        length, kind = struct.unpack(">I4s", content[place : place + 8])
        chunks.append((kind, content[place + 8 : place + 8 + length]))
        place += 12 + length
    assert [data for kind, data in chunks if kind in (b"tEXt", b"iTXt", b"zTXt")] == [b"Software\0dlr superres try"]


def test_a_generator_of_a_run_is_applied_as_the_run_applies_it(still, tmp_path):
    network = make_network(Form("small", 2, channels=4, blocks=1))
    Enhancer(network, 2, tile=32, overlap=8, consistent=True).save(tmp_path / "run" / "generator")
    made, _ = tried.prepare_trial([still], "psnr", str(tmp_path / "run"), 2, tmp_path / "looks").enhancer()
    assert (made.tile, made.overlap, made.consistent) == (32, 8, True)
