import Basics
import Engine

/// What is wrong with the command line or the configuration; ends the process with status 2.
struct UsageError: Error {
  var message: String
  var remedy: String?

  init(_ message: String, didYouMean: String? = nil, remedy: String? = nil) {
    self.message = message + (didYouMean.map { "; did you mean \($0)?" } ?? "")
    self.remedy = remedy
  }

  init(_ error: ConfigurationError) {
    message = error.message
    remedy = error.remedy
  }
}
