// The settings of a brand, as far as the account code of @akinon/next reads them.
export default {
  commerceUrl: process.env.COMMERCE_URL,
  localization: {
    locales: [
      { label: "EN", value: "en", localePath: "en", apiValue: "en-us", rtl: false },
      { label: "TR", value: "tr", localePath: "tr", apiValue: "tr-tr", rtl: false },
    ],
    currencies: [{ label: "USD", code: "usd" }],
    defaultLocaleValue: "en",
    localeUrlStrategy: "hide-default-locale",
    defaultCurrencyCode: "usd",
  },
};
