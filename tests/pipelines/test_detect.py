    assert "4 conversations (8 utterances)." in text
    assert "Warned of a risk or saved the customer  4" in text
    assert "Signals that may be assists after all: 1 (" in text
    assert "Moments that belong to no deal: 1." in text
    assert json.loads(json.dumps(report.to_dict()))["by_signal"] == {"negative_impact": 1}
