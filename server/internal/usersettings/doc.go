// Package usersettings answers /api/user-settings: JSON values that a user's pages keep under a bucket and a key, such
// as starred entities and the theme. Contract: "platform, user settings".
//
// A caller reaches only the values of the user that the token names; there is no way to ask for another user's. Every
// change is pushed to the user's other pages over the signals channel "user-settings".
package usersettings
