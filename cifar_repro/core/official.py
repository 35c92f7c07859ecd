"""Official CIFAR-10, known by its bytes: no name of a folder or a file, and no layout, makes images official."""

# Computed from the files of the python version whose published md5 sums (https://www.cs.toronto.edu/~kriz/cifar.html,
# and torchvision's for each file) were checked: `ImageSet.fingerprint` and `ImageSet.fingerprint_of_any_order`.
FINGERPRINTS = {
    "train": "1e91790dbaf241617ca1f29a9aba08eb9a62df84cc90676b47edd05ad2ab3c94",
    "test": "9a4c74f5c8b6f2c4e13d3a1dfb43a5a8cda8a9da515e99fd620d2013a1a6287a",
}
OF_ANY_ORDER = {
    "train": "fc36ff26702a9efdf08d3de274034c378032d3423bf7dd6c1022bebe6a7b810a",
    "test": "11be7cf3ed0bf1df2a473c0d4d3db6eafcac4518b49a5b4224077d754106b38d",
}
IMAGES = {"train": 50_000, "test": 10_000}
