#pragma once

#include "quant/probe.h"
#include "trainer/explain/walk.h"

namespace fqt::trainer {

/// Fills in walk.elements: the first element of a product's result, the one in the middle and the largest; and for a
/// forward product on integers the codes of the middle one's terms.
void walk_elements(const quant::Multiplication& multiplied, ProductWalk& walk);

}  // namespace fqt::trainer
