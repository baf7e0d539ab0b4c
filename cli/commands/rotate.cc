// smtptape rotate: has the recorder of a store seal its tapes and begin new ones.
#include "capture/watch/control_client.h"
#include "cli/command.h"
#include "cli/run/recorder_place.h"

namespace smtptape {

namespace {

class RotateCommand : public Command {
 public:
  [[nodiscard]] std::string_view name() const override { return "rotate"; }
  [[nodiscard]] std::string_view summary() const override {
    return "Have a running recorder seal its tapes and begin new ones";
  }
  [[nodiscard]] std::string_view examples() const override {
    return "  smtptape rotate /var/lib/smtptape\n"
           "  smtptape rotate --socket /run/smtptape/control.sock";
  }
  void describe(Options& options) override { place_.describe(options, Options::Count::NoneOrOne); }

  [[nodiscard]] int run() override {
    if (!order_recorder(place_.path(), Order::Rotate)) throw Error(place_.nobody());
    return static_cast<int>(Exit::Done);
  }

 private:
  RecorderPlace place_;
};

}  // namespace

std::unique_ptr<Command> make_rotate_command() {
  return std::make_unique<RotateCommand>();
}

}  // namespace smtptape
