raise RuntimeError("this file cannot be imported")


class Unreachable:
    pass
