#pragma once

#include <doctest/doctest.h>

#include "engine/kernels/table.h"
#include "support/thread_count.h"

namespace fqt::test {

/// Calls body() on every instruction set this processor has, with one, two and three threads each.
template <typename Body>
void on_each_machine(const Body& body) {
  const ThreadCount before(threads());
  for (const kernels::Isa& isa : kernels::all_isas()) {
    if (!isa.supported()) continue;
    kernels::select(isa.name);
    for (const int count : {1, 2, 3}) {
      set_threads(count);
      CAPTURE(isa.name);
      CAPTURE(count);
      body();
    }
  }
  kernels::select("");
}

}  // namespace fqt::test
