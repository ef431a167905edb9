import Basics

enum Suggest {
  /// The option that was probably meant; the dashes do not count as likeness.
  static func option(_ name: String, among names: [String]) -> String? {
    Suggestion.closest(
      to: String(name.drop { $0 == "-" }), among: names.map { String($0.drop { $0 == "-" }) }
    ).map { "--\($0)" }
  }
}
