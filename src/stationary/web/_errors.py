"""What a request can get wrong."""


class RequestError(Exception):
    """Something that the person at the page can put right.

    **Arguments:**

    - `message`: one sentence.
    - `place`: where: `"fields"`, `"group"`, `"answer"`, `"couplings"` or `""`.
    - `row`: the place of the field that is wrong, among those that were sent.
    """

    def __init__(self, message: str, place: str = "", row: int | None = None) -> None:
        super().__init__(message)
        self.place = place
        self.row = row
