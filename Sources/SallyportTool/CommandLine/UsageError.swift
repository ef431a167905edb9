import Basics
import Engine

/// An error in the command line or the configuration. The exit status is 2.
struct UsageError: Error {
  var message: String
  var remedy: String?

  init(_ message: String, didYouMean: String? = nil, remedy: String? = nil) {
    self.message = message + (didYouMean.map { "; did you mean \"\($0)\"?" } ?? "")
    self.remedy = remedy
  }

  init(_ error: ConfigurationError) {
    message = error.message
    remedy = error.remedy
  }
}
