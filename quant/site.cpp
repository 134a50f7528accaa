#include "quant/site.h"

#include "engine/hash.h"

namespace fqt::quant {

Site::Site(std::string name, SiteRole role, std::string_view kind)
    : name(std::move(name)), key(hash_text(this->name)), role(role), kind(kind), lhs_range(Tensor::zeros({2})) {}

Site activation_site(std::string name, std::string_view kind) {
  Site site(std::move(name), SiteRole::body, kind);
  site.rhs_range = Tensor::zeros({2});
  return site;
}

}  // namespace fqt::quant
