from vitascope.errors import Cancelled, RequestError, VitascopeError, WeightsError


def test_the_docstring_is_the_message():
    assert str(WeightsError()) == WeightsError.__doc__
    assert str(WeightsError("dit.onnx is missing")) == "dit.onnx is missing"


def test_a_request_error_names_argument_and_nearest():
    error = RequestError("seconds", "-1 is not a length", "nearest: 0.125")
    assert str(error) == "seconds: -1 is not a length; nearest: 0.125"
    assert (error.argument, error.nearest) == ("seconds", "nearest: 0.125")


def test_exit_codes():
    assert [kind.exit_code for kind in (VitascopeError, RequestError, Cancelled)] == [1, 2, 130]
