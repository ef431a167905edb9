import Basics
import Engine

/// An error in the command line or the configuration. The exit status is 2.
struct UsageError: Error {
  var message: TerminalText
  var remedy: TerminalText?

  init(_ message: TerminalText, didYouMean: String? = nil, remedy: TerminalText? = nil) {
    self.message = message + (didYouMean.map { "; did you mean \"\($0)\"?" } ?? "")
    self.remedy = remedy
  }

  init(_ error: ConfigurationError) {
    message = TerminalText(lines: error.message)
    remedy = error.remedy.map { TerminalText(lines: $0) }
  }
}
