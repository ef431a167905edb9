import Basics
import Crypto

/// The authorization response of a consent page, from the query of the redirect URI (RFC 6749
/// sections 4.1.2 and 4.1.2.1).
enum ConsentAnswer: Sendable {
  case code(String)
  case refusal(error: String, description: String?)
  /// The response to a different request (section 10.12).
  case wrongState

  /// - Parameter state: the state of the request; nil if it is unknown.
  /// - Returns: nil if the query is not a response or repeats a parameter (section 3.1).
  init?(_ query: FormFields, state: String?) {
    guard query.repeatedName == nil else { return nil }
    let code = query["code"].flatMap { $0.isEmpty ? nil : $0 }
    let error = query["error"].flatMap { $0.isEmpty ? nil : $0 }
    guard code != nil || error != nil else { return nil }
    if let state, !SecretComparison.areEqual(query["state"] ?? "", state) {
      self = .wrongState
    } else if let error {
      self = .refusal(error: error, description: query["error_description"])
    } else if let code {
      self = .code(code)
    } else {
      return nil
    }
  }

  /// The pasted redirect address, or only the code, possibly percent-encoded. A code alone has no
  /// state, but is valid only with the verifier of RFC 7636.
  ///
  /// - Returns: nil if the text is neither.
  init?(pasted text: String, state: String?) {
    let word = text.drop(while: \.isWhitespace)
    let trimmed = String(word.prefix { !$0.isWhitespace })
    guard !trimmed.isEmpty, word.dropFirst(trimmed.count).allSatisfy(\.isWhitespace) else {
      return nil
    }
    if trimmed.contains("?") || trimmed.contains("://") {
      self.init(FormFields(queryOf: trimmed), state: state)
    } else {
      self = .code(PercentEncoding.decode(String(trimmed.prefix { $0 != "&" })))
    }
  }
}
