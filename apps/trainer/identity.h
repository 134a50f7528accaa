#pragma once

#include <string>

#include "data/open.h"
#include "quant/site_bits.h"
#include "trainer/config.h"
#include "trainer/json.h"

namespace fqt::trainer {

/// Every key that decides a result and the value it has, but for those with an identity of their own: the length, the
/// plan, the data and the weights to start from.
Json deciding_keys(const Config& config);

/// xxh3 over the widths of every site.
std::string bits_hash(const quant::BitTable& bits);

/// "train_hash", "test_hash" and, of text, "valid_hash": what each split holds, wherever it lies.
Json data_hashes(const data::Data& data);

/// xxh3 over the file that the run starts from; empty where its weights are drawn. Error(missing), Error(io).
std::string start_hash(const Config& config);

/// What two runs share that have the same result: version and commit, the length in steps, deciding keys, and hashes of
/// the bits, of the data and (`start`, where there is one) of the weights to start from. `config` is settled
/// (experiment.h).
Json run_identity(const Config& config, const quant::BitTable& bits, const Json& data_hashes, const std::string& start);

/// Names a run by its identity, version and commit apart, and by its plan: 16 hexadecimal digits of xxh3. Neither
/// threads, nor places of files, nor the order of keys change it; of a plan file its bits count.
std::string run_id(const Json& identity, const std::string& plan);

}  // namespace fqt::trainer
