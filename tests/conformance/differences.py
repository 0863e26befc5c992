"""Where the sandbox answers differently on purpose: case -> why. Status code and reason are the same all the same."""

DIFFERENCES: dict[str, str] = {
    "patch/merge text for a number": "the API server quotes the whole object as Go prints it; the sandbox says which field",
    "scale/text for a number": "the same, of a Scale",
}
