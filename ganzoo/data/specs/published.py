"""Published data sets, with their official files.

Checksums of MNIST, Fashion-MNIST, SVHN, STL-10 and CelebA are those that torchvision checks; those of the CIFAR
archives are from https://www.cs.toronto.edu/~kriz/cifar.html. Unpacked members have md5 sums of their own.
"""

from ganzoo.data.specs.drawn import DIGITS
from ganzoo.registry.specs import DataFile, DatasetSpec, Member

CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
CIFAR100_CLASSES = tuple(
    """apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can
    castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant
    flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree
    motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate
    poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider
    squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle
    wardrobe whale willow_tree wolf woman worm""".split()  # noqa: SIM905
)
FASHION_CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
STL10_CLASSES = ("airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck")

# Name, size and md5 of each .gz file, then size and md5 of what it unpacks to.
_IDX_NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
_IDX_SIZES = (47_040_016, 60_008, 7_840_016, 10_008)
_MNIST = (
    (9_912_422, "f68b3c2dcbeaaa9fbdd348bbdeb94873", "6bbc9ace898e44ae57da46a324031adb"),
    (28_881, "d53e105ee54ea40749a09fcbcd1e9432", "a25bea736e30d166cdddb491f175f624"),
    (1_648_877, "9fb629c4189551a2d022fa330f9573f3", "2646ac647ad5339dbf082846283269ea"),
    (4_542, "ec29112dd5afa0611ce80d1b7f02629c", "27ae3e4e09519cfbb04c329615203637"),
)
_FASHION = (
    (26_421_880, "8d4fb7e6c68d591d4c3dfef9ec88bf0d", "f4a8712d7a061bf5bd6d2ca38dc4d50a"),
    (29_515, "25c81989df183df01b3e8a0aad5dffbe", "9018921c3c673c538a1fc5bad174d6f9"),
    (4_422_102, "bef4ecab320f06d8554ea6380940ec79", "8181f5470baa50b63fa0f6fddb340f0a"),
    (5_148, "bb300cfdad3c16e7a12a480ee83cd310", "15d484375f8d13e6eb1aabb0c3f46965"),
)


def _idx_files(folder: str, mirrors: tuple[str, ...], known: tuple[tuple[int, str, str], ...]) -> tuple[DataFile, ...]:
    """The four IDX files of MNIST or a set in its format, in torchvision's layout."""
    return tuple(
        DataFile(
            path=f"{folder}/raw/{name}.gz",
            urls=tuple(f"{mirror}{name}.gz" for mirror in mirrors),
            checksum=f"md5:{packed}",
            size=size,
            members=(Member(path=f"{folder}/raw/{name}", checksum=f"md5:{unpacked}", size=unpacked_size),),
        )
        for name, unpacked_size, (size, packed, unpacked) in zip(_IDX_NAMES, _IDX_SIZES, known, strict=True)
    )


def _members(folder: str, *known: tuple[str, int, str]) -> tuple[Member, ...]:
    return tuple(Member(path=f"{folder}/{name}", size=size, checksum=f"md5:{md5}") for name, size, md5 in known)


_CIFAR10_FILES = (
    DataFile(
        path="cifar-10-binary.tar.gz",
        urls=("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
        checksum="md5:c32a1d4ab5d03f1284b67883e8d87530",
        size=170_052_171,
        members=_members(
            "cifar-10-batches-bin",
            ("data_batch_1.bin", 30_730_000, "5dd7e06a14cb22eb9f671a540d1b7c25"),
            ("data_batch_2.bin", 30_730_000, "5ea93a67294ea407fff1d09f752e9692"),
            ("data_batch_3.bin", 30_730_000, "942cd6a4bcdd0dd3c604fbe906cb4421"),
            ("data_batch_4.bin", 30_730_000, "ae636b3ba5c66a11e91e8cb52e771fcb"),
            ("data_batch_5.bin", 30_730_000, "53f37980c15c3d472c316c40844f3f0d"),
            ("test_batch.bin", 30_730_000, "803d5f7f4d78ea53de84dbe85f74fb6d"),
        ),
    ),
)
_CIFAR100_FILES = (
    DataFile(
        path="cifar-100-binary.tar.gz",
        urls=("https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",),
        checksum="md5:03b5dce01913d631647c71ecec9e9cb8",
        size=168_513_733,
        members=_members(
            "cifar-100-binary",
            ("train.bin", 153_700_000, "6172c7755cfe09b2fe270c85cebc1b15"),
            ("test.bin", 30_740_000, "4499cfba6c016c1be1438163640a0898"),
        ),
    ),
)
_SVHN_FILES = tuple(
    DataFile(
        path=f"svhn/{split}_32x32.mat",
        urls=(f"http://ufldl.stanford.edu/housenumbers/{split}_32x32.mat",),
        checksum=f"md5:{md5}",
        size=size,
    )
    for split, size, md5 in (
        ("train", 182_040_794, "e26dedcc434d2e4c54c9b2d4a06d8373"),
        ("test", 64_275_384, "eb5a983be6a315427106f1b164d9cef3"),
        ("extra", 1_329_278_602, "a93ce644f1a588dc4d68dda5feec44a7"),
    )
)
_STL10_FILES = (
    DataFile(
        path="stl10_binary.tar.gz",
        urls=(
            "https://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz",
            "http://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz",
        ),
        checksum="md5:91f7769df0f17e558f3565bffb0c7dfb",
        size=2_640_397_119,
        members=_members(
            "stl10_binary",
            ("train_X.bin", 138_240_000, "918c2871b30a85fa023e0c44e0bee87f"),
            ("train_y.bin", 5_000, "5a34089d4802c674881badbb80307741"),
            ("unlabeled_X.bin", 2_764_800_000, "5242ba1fed5e4be9e1e742405eb56ca4"),
            ("test_X.bin", 221_184_000, "7f263ba9f9e0b06b93213547f721ac82"),
            ("test_y.bin", 8_000, "36f9794fa4beb8a2c72628de14fa638e"),
        ),
    ),
)
_CELEBA_FILES = tuple(
    DataFile(path=f"celeba/{name}", urls=(), checksum=f"md5:{md5}")
    for name, md5 in (
        ("img_align_celeba.zip", "00d2c5bc6d35e252742224ab0c1e8fcb"),
        ("list_attr_celeba.txt", "75e246fa4810816ffd6ee81facbd244c"),
        ("identity_CelebA.txt", "32bd1bd63d3c78cd57e08160ec5ed1e2"),
        ("list_bbox_celeba.txt", "00566efa6fedff7a56946cd1c10f1c16"),
        ("list_landmarks_align_celeba.txt", "cc24ecafdb5b50baae59b03474781f8c"),
        ("list_eval_partition.txt", "d32c9cbf5e040fd4025c592c306e6668"),
    )
)

_MNIST_FILES = _idx_files(
    "MNIST",
    (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "http://yann.lecun.com/exdb/mnist/",
    ),
    _MNIST,
)

DATASETS: tuple[DatasetSpec, ...] = (
    DatasetSpec(
        name="mnist",
        load="ganzoo.data.published.idx:load",
        summary="handwritten digits, 60,000 + 10,000 grey images of 28x28",
        paper="LeCun, Cortes, Burges 1998",
        classes=DIGITS,
        shape=(1, 28, 28),
        splits=("train", "test"),
        files=_MNIST_FILES,
        licence="none stated; commonly given as CC BY-SA 3.0",
        download="files",
    ),
    DatasetSpec(
        name="stacked-mnist",
        load="ganzoo.data.published.idx:load_stacked",
        summary="three digits of MNIST as the channels of an image: 1,000 modes to be counted",
        paper="arXiv:1611.02163, sec. 3.3.1",
        shape=(3, 28, 28),
        splits=("train", "test"),
        files=_MNIST_FILES,
        licence="none stated; commonly given as CC BY-SA 3.0",
        download="files",
    ),
    DatasetSpec(
        name="fashion-mnist",
        load="ganzoo.data.published.idx:load",
        summary="articles of clothing, 60,000 + 10,000 grey images of 28x28",
        paper="arXiv:1708.07747",
        classes=FASHION_CLASSES,
        shape=(1, 28, 28),
        splits=("train", "test"),
        files=_idx_files(
            "FashionMNIST",
            (
                "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
                "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
            ),
            _FASHION,
        ),
        licence="MIT, Zalando SE",
        download="files",
    ),
    DatasetSpec(
        name="cifar10",
        load="ganzoo.data.published.cifar:load",
        summary="small photographs in 10 classes, 50,000 + 10,000 RGB images of 32x32",
        paper="Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images",
        classes=CIFAR10_CLASSES,
        shape=(3, 32, 32),
        splits=("train", "test"),
        files=_CIFAR10_FILES,
        licence="none stated",
        download="files",
    ),
    DatasetSpec(
        name="cifar100",
        load="ganzoo.data.published.cifar:load",
        summary="small photographs in 100 classes, 50,000 + 10,000 RGB images of 32x32",
        paper="Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images",
        classes=CIFAR100_CLASSES,
        shape=(3, 32, 32),
        splits=("train", "test"),
        files=_CIFAR100_FILES,
        licence="none stated",
        download="files",
    ),
    DatasetSpec(
        name="svhn",
        load="ganzoo.data.published.vision:load_svhn",
        summary="house numbers, 73,257 + 26,032 RGB images of 32x32 and 531,131 extra; read with torchvision and SciPy",
        paper="Netzer et al. 2011, Reading Digits in Natural Images with Unsupervised Feature Learning",
        classes=DIGITS,
        shape=(3, 32, 32),
        splits=("train", "test", "extra"),
        files=_SVHN_FILES,
        licence="non-commercial use only",
        download="files",
    ),
    DatasetSpec(
        name="stl10",
        load="ganzoo.data.published.vision:load_stl10",
        summary="photographs in 10 classes, 5,000 + 8,000 RGB images of 96x96 and 100,000 unlabelled; with torchvision",
        paper="Coates, Lee, Ng 2011, An Analysis of Single Layer Networks in Unsupervised Feature Learning",
        classes=STL10_CLASSES,
        shape=(3, 96, 96),
        splits=("train", "test", "unlabeled"),
        files=_STL10_FILES,
        licence="none stated; images are from ImageNet",
        download="files",
    ),
    DatasetSpec(
        name="celeba",
        load="ganzoo.data.published.vision:load_celeba",
        summary="202,599 faces, aligned and cropped, RGB 178x218, with 40 attributes; with torchvision",
        provides=("images", "attributes"),
        paper="arXiv:1411.7766",
        shape=(3, 218, 178),
        splits=("train", "valid", "test", "all"),
        files=_CELEBA_FILES,
        licence="non-commercial research only",
        download="torchvision",
    ),
)
