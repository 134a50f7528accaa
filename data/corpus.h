#pragma once

#include <string>

#include "data/open.h"

namespace fqt::data {

/// Penn Treebank as Mikolov prepared it: a folder with ptb.train.txt, ptb.valid.txt and ptb.test.txt.
TextData open_ptb(const std::string& path, const DataOptions& options);
bool recognises_ptb(const std::string& path);

/// WikiText-2 or -103 (Merity et al. 2017): a folder with wiki.train.tokens, wiki.valid.tokens and wiki.test.tokens, or
/// the same with .raw, whose custom is the level of characters.
TextData open_wikitext(const std::string& path, const DataOptions& options);
bool recognises_wikitext(const std::string& path);

/// Plain text, at the level of characters by custom: a folder with train.txt, valid.txt and test.txt; or a file (.txt)
/// or a folder of such files, in the order of their names, of whose tokens the first 90 % train, the next 5 % validate
/// and the rest tests.
TextData open_plain_text(const std::string& path, const DataOptions& options);
bool recognises_plain_text(const std::string& path);

// Of all three: the vocabulary is that of the training text, in the order of appearance. A word of the other texts that
// is not in it becomes <unk>, which is added to the vocabulary where the training text does not hold it. Errors name
// the file: missing where one does not exist; data where one is empty, too large, not UTF-8, without words, or a token
// file (PTB, WikiText at word level) of a single line.

/// Bytes of a text, at most: WikiText-103 is half of it.
inline constexpr int64_t kMaxTextBytes = int64_t{1} << 30;

}  // namespace fqt::data
