"""Disease models: variables, network, dependence and outcome processes."""

from raresim.disease.model import DiseaseModel, load_model
from raresim.disease.network import Patients
from raresim.disease.parameters import Parameters
from raresim.disease.spec import ModelSpec

__all__ = ["DiseaseModel", "ModelSpec", "Parameters", "Patients", "load_model"]
