#pragma once

#include <string>

#include "trainer/explain/walk.h"
#include "trainer/json.h"

namespace fqt::trainer {

// What `fqt explain` prints: for people, in lines of at most 80 letters, and for programs; docs/explain.md has the
// keys.

/// The products of all sites: shapes, what plans go by (A, F, D), and bits.
std::string explain_model(const Experiment& experiment, bool color);
Json model_json(const Experiment& experiment);

/// One site, walked through.
std::string explain_site(const Experiment& experiment, const SiteWalk& walk, bool color);
Json site_json(const Experiment& experiment, const SiteWalk& walk);

/// "3x3 convolution, 16 channels to 32, stride 2, of 32x32 pixels"
std::string describe_layer(const quant::SiteShape& site);

}  // namespace fqt::trainer
