#include "study/report/paper_figures.h"

namespace fqt::study {
namespace {

constexpr PaperColumn kByMetric[] = {{"", "U", "U", ""},
                                     {"accumulation", "C+", "C+", "A"},
                                     {"accumulation", "C-", "C-", "A"},
                                     {"frequency", "C+", "C+", "F"},
                                     {"frequency", "C-", "C-", "F"},
                                     {"depth", "C+", "C+", "D"},
                                     {"depth", "C-", "C-", "D"}};

constexpr PaperRow kAccuracy[] = {
    {"AlexNet, CIFAR-10", "alexnet", "cifar10", "", 4, 8, 6, {85.46, 85.51, 86.00, 85.88, 85.27, 85.27, 85.88}, {}},
    {"ResNet-20, CIFAR-10", "resnet20", "cifar10", "", 4, 8, 6, {91.51, 91.09, 91.64, 91.57, 91.02, 91.02, 91.57}, {}},
    {"ResNet-20, CIFAR-100",
     "resnet20",
     "cifar100",
     "",
     4,
     8,
     6,
     {68.40, 68.37, 68.71, 68.60, 68.33, 68.33, 68.60},
     {}},
    {"ResNet-50, ImageNet", "resnet50", "imagenet", "", 4, 8, 6, {76.30, 75.92, 76.56, 76.45, 76.11, 76.11, 76.45}, {}},
    {"MobileNet-V2, ImageNet",
     "mobilenet_v2",
     "imagenet",
     "",
     4,
     8,
     6,
     {66.45, 65.19, 66.79, 66.67, 64.31, 64.31, 66.67},
     {}},
    {"MobileNet-V2 (narrower), ImageNet",
     "mobilenet_v2_*",
     "imagenet",
     "",
     4,
     8,
     6,
     {55.61, 53.47, 55.85, 55.67, 52.13, 53.06, 55.67},
     {}},
    {"Transformer, WikiText-103 (perplexity)",
     "transformer_lm*",
     "wikitext-103",
     "",
     6,
     8,
     7,
     {32.30, 33.89, 31.60, 31.57, 33.55, 32.53, 31.30},
     {}},
    {"2-LSTM, PTB (perplexity)", "lstm_lm", "ptb", "", 6, 8, 7, {97.98, 98.46, 97.21, 97.84, 97.88, 97.91, 98.00}, {}},
};

constexpr PaperRow kSizes[] = {
    {"ResNet-20", "resnet20", "cifar*", "", 4, 8, 6, {1.12, 1.08, 1.01, 1.05, 1.20, 1.20, 1.05}, {}},
    {"ResNet-50", "resnet50", "imagenet", "", 4, 8, 6, {176, 216, 140, 129, 222, 222, 129}, {}},
    {"Transformer", "transformer_lm*", "wikitext-103", "", 6, 8, 7, {991, 977, 1005, 1076, 906, 963, 1019}, {}},
};

constexpr PaperColumn kOfRow[] = {{"", "R", "R", ""}, {"", "U", "U", ""}, {"", "C+", "C+", ""}, {"", "C-", "C-", ""}};

constexpr PaperRow kCustom[] = {
    {"Depth, 4-8 bits", "custom_d", "", "D", 4, 8, 6, {92.63, 92.62, 92.83, 92.73}, {0.20, 0.34, 0.31, 0.17}},
    {"Depth, 8-16 bits", "custom_d", "", "D", 8, 16, 12, {92.82, 92.94, 92.92, 92.87}, {}},
    {"Frequency, 4-8 bits", "custom_f", "", "F", 4, 8, 6, {90.56, 90.88, 90.71, 90.54}, {0.41, 0.32, 0.41, 0.60}},
    {"Frequency, 8-16 bits", "custom_f", "", "F", 8, 16, 12, {91.77, 92.02, 91.99, 91.79}, {}},
    {"Accumulation, 4-8 bits", "custom_a", "", "A", 4, 8, 6, {0, 86.61, 83.47, 86.67}, {0, 2.37, 5.30, 1.49}},
    {"Accumulation, 6-8 bits", "custom_a", "", "A", 6, 8, 7, {0, 92.32, 90.30, 92.41}, {0, 0.39, 4.37, 0.29}},
    {"Accumulation, 8-16 bits", "custom_a", "", "A", 8, 16, 12, {0, 92.81, 92.44, 92.85}, {0, 0.23, 0.34, 0.23}},
};

constexpr PaperTable kTables[] = {
    {"Accuracy in percent, or perplexity, of each strategy", "paper-accuracy", PaperValue::figure, kByMetric,
     kAccuracy},
    {"Customized models: accuracy in percent, variance in brackets", "paper-custom", PaperValue::figure_variance,
     kOfRow, kCustom},
    {"Sizes; in brackets as a multiple of U's", "paper-sizes", PaperValue::size, kByMetric, kSizes},
};

}  // namespace

std::span<const PaperTable> paper_figures() { return kTables; }

}  // namespace fqt::study
